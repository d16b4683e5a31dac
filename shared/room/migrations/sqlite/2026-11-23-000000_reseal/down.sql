-- SQLite has no roles: nothing is granted.
SELECT 1;
