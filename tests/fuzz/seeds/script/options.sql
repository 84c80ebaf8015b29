-- migrate:up transaction:off
-- migrate:step vacuum repeatable:yes
VACUUM;
-- migrate:step copy transaction:on rebuild:"my ""rooms" from:00112233aabbccdd to:FFFFFFFFFFFFFFFF
CREATE TABLE n (a); INSERT INTO n SELECT 1;
-- migrate:step transaction:true batch:1 over:"my rooms"."the.id"
DELETE FROM "my rooms" WHERE "the.id" BETWEEN :lo AND :hi;
-- migrate:down irreversible:"the ""old"" rows are gone"
