CREATE /* a */ TABLE -- b
 x (a /* , b */ INT, -- c, d
 b)
-- end