-- @renamed from=rooms
CREATE TABLE halls ( -- hi
  id INTEGER PRIMARY KEY,
  -- @renamed from="old name"
  name TEXT, -- another
  code TEXT, /* @renamed from=kod */
  CHECK (id > 0)
);
