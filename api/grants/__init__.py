"""业务授权 over HTTP: the unit's table and verbs, the manager's own grants."""
