"""Roles, database and first rights: cluster-wide things that migrations must not make."""

import psycopg
from psycopg import sql

from trader_core.model.errors import DatabaseAway, DatabaseTooOld

DATABASE = "gatehouse"
OWNER = "gatehouse_owner"
ROLES = ("migrate", "trader", "flow", "api", "verify")
VERSION_MIN = 150_000
"""PostgreSQL 15, as `server_version_num`."""


def role_name(role: str) -> str:
    """Return the role's name in the cluster."""
    assert role in ROLES, f"no such role: {role}"
    return f"gatehouse_{role}"


def ensure_database(admin: str, passwords: dict[str, str], name: str = DATABASE, template: str = "template1") -> None:
    """Leave behind all roles, with these passwords, and a database of that name, as the superuser of an embedded cluster.

    `admin` is a psycopg connection string to any database of the cluster. Safe to repeat.
    """
    with psycopg.connect(admin, autocommit=True) as db:
        ensure_roles(db, passwords)
        if not db.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
            make = sql.SQL("create database {} owner {} template {}")
            db.execute(make.format(sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)))


def ensure_roles(db: psycopg.Connection, passwords: dict[str, str]) -> None:
    """Leave behind the owner, who cannot log in, and the application's roles; those with a password can. Safe to repeat."""
    there = {row[0] for row in db.execute("select rolname from pg_roles where rolname like 'gatehouse\\_%'")}
    for name in (OWNER, *map(role_name, ROLES)):
        if name not in there:
            db.execute(sql.SQL("create role {} nologin").format(sql.Identifier(name)))
    for role, password in passwords.items():
        login = sql.SQL("alter role {} login password {}").format(sql.Identifier(role_name(role)), sql.Literal(password))
        db.execute(login)
    member = "select 1 from pg_auth_members where roleid = %s::regrole and member = %s::regrole"
    if not db.execute(member, (OWNER, role_name("migrate"))).fetchone():
        db.execute(sql.SQL("grant {} to {}").format(sql.Identifier(OWNER), sql.Identifier(role_name("migrate"))))


def ensure_rights(db: psycopg.Connection) -> None:
    """Leave behind, in the database connected to, rights for our roles only, and none for PUBLIC. Safe to repeat."""
    row = db.execute("select current_database()").fetchone()
    assert row is not None
    database, owner = sql.Identifier(str(row[0])), sql.Identifier(OWNER)
    roles = sql.SQL(", ").join(sql.Identifier(role_name(role)) for role in ROLES)
    flow, migrate = sql.Identifier(role_name("flow")), sql.Identifier(role_name("migrate"))
    reads = sql.SQL("alter default privileges for role {} in schema public ").format(owner)
    for statement in (
        sql.SQL("revoke all on database {} from public").format(database),
        sql.SQL("grant connect on database {} to {}, {}").format(database, owner, roles),
        sql.SQL("grant temporary on database {} to {}, {}").format(database, flow, migrate),
        sql.SQL("revoke all on schema public from public"),
        sql.SQL("grant usage, create on schema public to {}").format(owner),
        sql.SQL("grant usage on schema public to {}").format(roles),
        reads + sql.SQL("grant select on tables to {}").format(roles),
        sql.SQL("alter default privileges for role {} revoke execute on functions from public").format(owner),
    ):
        db.execute(statement)


def adopt(url: str) -> None:
    """Leave behind roles and rights in a database of the user's own, and make its login a member of every role.

    Raises DatabaseAway when it cannot be reached or the login may not do that, DatabaseTooOld below PostgreSQL 15.
    """
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as db:
            if db.info.server_version < VERSION_MIN:
                found = f"server version {db.info.server_version // 10_000}"
                raise DatabaseTooOld("PostgreSQL 15 or newer at GATEHOUSE_DATABASE_URL", found, "upgrade it, or unset the variable")
            if not _adopted(db):
                ensure_roles(db, {})
                everyone = sql.SQL(", ").join(sql.Identifier(name) for name in (OWNER, *map(role_name, ROLES)))
                db.execute(sql.SQL("grant {} to current_user").format(everyone))
                ensure_rights(db)
    except psycopg.errors.InsufficientPrivilege as error:
        todo = "use a login with CREATEROLE that owns its database"
        raise DatabaseAway("a login at GATEHOUSE_DATABASE_URL that may create roles", str(error).strip(), todo) from error
    except psycopg.OperationalError as error:
        raise DatabaseAway("the database at GATEHOUSE_DATABASE_URL", str(error).strip()[:300], "start it, or correct the URL") from error


def _adopted(db: psycopg.Connection) -> bool:
    """Say whether this database was adopted before, so that a plain login suffices from then on."""
    names = [OWNER, *map(role_name, ROLES)]
    row = db.execute("select count(*) from pg_roles where rolname = any(%s)", (names,)).fetchone()
    if row is None or row[0] < len(names):
        return False
    question = "select bool_and(pg_has_role(current_user, name, 'member')) from unnest(%s::text[]) name"
    row = db.execute(question, (names,)).fetchone()
    usage = db.execute("select has_schema_privilege(%s, 'public', 'create')", (OWNER,)).fetchone()
    return bool(row and row[0] and usage and usage[0])
