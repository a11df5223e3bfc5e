drop table wrong_passwords;
