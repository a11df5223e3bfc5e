drop table stage_results;
