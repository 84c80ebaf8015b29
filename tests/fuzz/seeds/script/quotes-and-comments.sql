-- migrate:up
SELECT 'it''s; one', "a "" ; b", [c;d], `e;f` /* g; -- h */ -- migrate is a word
; ;; -- nothing between
SELECT 2 - -1 /* the last one needs no semicolon */
