drop table decisions;
drop table reviews;
