"""业务授权: businesses, grants, codes, holders, tenures, the overview."""
