"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, make_response, redirect, render_template, request, url_for
from flask_login import current_user, logout_user
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as BaseResponse

from webmail import queue
from webmail.actions import users
from webmail.blueprints._session import begin_session, public, safe_next, signed_in

blueprint = Blueprint("auth", __name__)

_WINDOW_S = 600
_TRIES_PER_EMAIL = 20
_TRIES_PER_ADDRESS = 200
DEMO_EMAIL, DEMO_PASSWORD = "recruiter@demo.example", "demo"


@blueprint.get("/")
def home() -> BaseResponse:
    return redirect("/inbox", 303)


@blueprint.get("/login")
@public
def login() -> BaseResponse:
    if current_user.is_authenticated:
        return redirect(_after_sign_in(), 303)
    is_demo_filled = request.args.get("fill") == "demo" and current_app.config["WEBMAIL"].demo
    return _login_page(email=DEMO_EMAIL if is_demo_filled else "", password=DEMO_PASSWORD if is_demo_filled else "")


@blueprint.post("/login")
@public
def sign_in() -> BaseResponse:
    email, password = request.form.get("email", ""), request.form.get("password", "")
    if not email.strip() or not password:
        return _login_page(email=email, problem="Type your email and your password.", status=422)
    if not _may_try(email):
        return _login_page(
            email=email, problem="Too many tries. Wait ten minutes, or ask your administrator.", status=429
        )
    user = users.sign_in(email, password)
    if user is None:
        return _login_page(email=email, problem="This email and password do not belong together.", status=422)
    begin_session(user)
    return redirect(_after_sign_in(), 303)


@blueprint.get("/login/resumed")
def resumed() -> Response:
    """Say in the tab that was opened to sign in again that the other one can go on."""
    return make_response(render_template("auth/resumed.html"))


@blueprint.get("/session")
def session_state() -> Response:
    """Give an open page the token of the session that is there now, so that it can go on where it was."""
    return jsonify({"user": str(signed_in().uuid), "csrf_token": generate_csrf()})


@blueprint.post("/logout")
@public
def logout() -> BaseResponse:
    if current_user.is_authenticated:
        users.sign_out(signed_in().session_uuid)
    logout_user()
    return redirect(url_for("auth.login"), 303)


def _may_try(email: str) -> bool:
    by_email = f"sign-in:{users.normalise_sign_in(email)[:320]}"
    by_address = f"sign-in:{request.remote_addr}"
    return queue.is_within_limit(by_address, limit=_TRIES_PER_ADDRESS, window_s=_WINDOW_S) and queue.is_within_limit(
        by_email, limit=_TRIES_PER_EMAIL, window_s=_WINDOW_S
    )


def _after_sign_in() -> str:
    return safe_next(request.values.get("next")) or "/inbox"


def _login_page(*, email: str = "", password: str = "", problem: str = "", status: int = 200) -> Response:
    page = render_template(
        "auth/login.html",
        email=email,
        password=password,
        problem=problem,
        next=safe_next(request.values.get("next")) or "",
        demo_email=DEMO_EMAIL if current_app.config["WEBMAIL"].demo else "",
    )
    return make_response(page, status)
