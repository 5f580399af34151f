"""Serve the car maker's sign-in page, which opens in the user's browser."""

from html import escape

from aiohttp import web

from .actions import Action
from .car import Car
from .routing import SIMULATOR
from .sign_in import SignIn

PATH = "/maker/sign-in/{sign_in_id}"

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
  body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 15vh auto; padding: 0 1rem;
    color: #1c2530; background: #f4f6f8; }}
  button {{ font: inherit; padding: .6rem 1.2rem; margin: .3rem .3rem .3rem 0; border: 1px solid #8a97a6;
    border-radius: .5rem; background: #fff; color: inherit; cursor: pointer; }}
  button[value="sign-in"] {{ background: #0b5cad; border-color: #0b5cad; color: #fff; }}
</style>
<h1>{title}</h1>
{content}
</html>
"""
_CHOICES = """<p>Podero wants to read and steer your {car}.</p>
<form method="post">
  <button name="choice" value="sign-in">Sign in</button>
  <button name="choice" value="refuse">Refuse</button>
  <button name="choice" value="close">Close</button>
</form>"""
_CLOSED = "<p>You can close this window: nothing was changed.</p>"


def begin_sign_in(
    request: web.Request, car: Car, action: Action, success_url: str, cancel_url: str
) -> str:
    """Start a sign-in, and return the URL of its page."""
    simulator = request.app[SIMULATOR]
    sign_in_id = simulator.signer.sign("sign-in")
    simulator.sign_ins[sign_in_id] = SignIn(car, action, success_url, cancel_url)
    return f"{request.url.origin()}{PATH.format(sign_in_id=sign_in_id)}"


async def show(request: web.Request) -> web.Response:
    """Serve the page with the choices: sign in, refuse or close."""
    sign_in = _find(request)
    return _page(sign_in, _CHOICES.format(car=escape(sign_in.car.name)))


async def choose(request: web.Request) -> web.Response:
    """Redirect the browser to the page for the user's choice."""
    sign_in = _find(request)
    simulator = request.app[SIMULATOR]
    match (await request.post()).get("choice"):
        case "sign-in":
            if (
                simulator.signin_reports_outcome
                and sign_in.action in sign_in.car.life.actions
            ):
                sign_in.car.resolve(sign_in.action)
            raise web.HTTPSeeOther(sign_in.success_url)
        case "refuse":
            raise web.HTTPSeeOther(sign_in.cancel_url)
    return _page(sign_in, _CLOSED)


def _find(request: web.Request) -> SignIn:
    simulator = request.app[SIMULATOR]
    sign_in = simulator.sign_ins.get(request.match_info["sign_in_id"])
    if sign_in is None:
        raise web.HTTPNotFound(text="This sign-in is over.")
    return sign_in


def _page(sign_in: SignIn, content: str) -> web.Response:
    title = f"Sign in to {escape(sign_in.car.model.manufacturer)}"
    return web.Response(
        text=_PAGE.format(title=title, content=content), content_type="text/html"
    )
