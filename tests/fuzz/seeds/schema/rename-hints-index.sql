CREATE TABLE x (a);
-- @renamed from=[old index]
CREATE INDEX y ON x (a);
-- renamed from=b
