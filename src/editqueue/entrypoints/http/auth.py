"""Who is asking: a JWT (HS256) in the cookie `auth_session` or as a Bearer token."""

from datetime import UTC, datetime, timedelta

import jwt
from starlette.requests import Request

from editqueue.domain.keys import is_user_id
from editqueue.ports.time import TOLERANCE, Clock

COOKIE = "auth_session"
ALGORITHM = "HS256"
LONGEST_HEADER = 1024
"""Characters of the part before the first dot; ours has 36. It is parsed before the signature is checked, and JSON that
nests thousands of levels deep would end Python in a Worker."""


class Unauthenticated(Exception):
    """No token, or one that does not hold. The message says which, never what was expected."""


def issue_token(user_id: str, *, secret: str, now: datetime, ttl: timedelta) -> str:
    """A token for `user_id` that expires after `ttl`."""
    claims = {"sub": user_id, "iat": now, "exp": now + ttl}
    # PyJWT types its keys by an optional library
    return jwt.encode(claims, secret, algorithm=ALGORITHM)  # pyright: ignore[reportUnknownMemberType]


def authenticate(request: Request, *, secret: str, clock: Clock) -> str:
    """The user id of the request. Raises Unauthenticated, and what `clock` raises.

    Whoever issued the token may have a clock that is off by up to TOLERANCE.
    """
    token = _bearer(request) or request.cookies.get(COOKIE)
    if not token:
        raise Unauthenticated("sign in: send the cookie auth_session or Authorization: Bearer <token>")
    if len(token.partition(".")[0]) > LONGEST_HEADER:
        raise Unauthenticated("the token is not valid: sign in again")
    try:
        claims = jwt.decode(  # pyright: ignore[reportUnknownMemberType]  # as above
            token,
            secret,
            algorithms=[ALGORITHM],
            # PyJWT would go by the machine's clock.
            options={"require": ["exp", "sub"], "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
        begin, end = _moment(claims.get("nbf", 0)), _moment(claims["exp"])
    except (jwt.PyJWTError, ValueError, OverflowError, OSError) as error:
        raise Unauthenticated("the token is not valid: sign in again") from error
    now = clock.now()
    if end <= now - TOLERANCE:
        raise Unauthenticated("the token has expired: sign in again")
    if begin > now + TOLERANCE:
        raise Unauthenticated("the token is not valid yet: sign in again")
    user_id = claims["sub"]
    if not isinstance(user_id, str) or not is_user_id(user_id):
        raise Unauthenticated("the token names no user: sign in again")
    return user_id


def _moment(claim: object) -> datetime:
    """Raises jwt.DecodeError for what is no number; ValueError, OverflowError or OSError for one that is no time."""
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        raise jwt.DecodeError("a time must be a number")
    return datetime.fromtimestamp(claim, UTC)


def uses_cookie(request: Request) -> bool:
    return _bearer(request) is None and COOKIE in request.cookies


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
