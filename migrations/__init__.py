"""How the schema came to be, step by step, and the page that draws it."""
