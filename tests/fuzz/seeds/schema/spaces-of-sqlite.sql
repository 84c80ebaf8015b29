CREATE TABLE	x(
a ﻿, b) 