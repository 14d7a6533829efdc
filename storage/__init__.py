"""How rows get into the database and back: columns, engines, transactions, what is sent to PostgreSQL, data keys."""
