"""The job store on SQL: SQLite, PostgreSQL and Cloudflare D1 through SQLAlchemy Core.

From top to bottom: opening -> store -> statements -> rows, schema -> databases.
"""
