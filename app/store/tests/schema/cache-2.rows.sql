PRAGMA application_id = 1146110785;
PRAGMA user_version = 2;
INSERT INTO checkpoint (name, raw) VALUES ('trip', X'6F70656E2074726970');
