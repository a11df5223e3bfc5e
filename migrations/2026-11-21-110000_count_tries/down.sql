drop table stage_tries;
