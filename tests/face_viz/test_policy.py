import base64
import hashlib

from face_viz.policy import content_security_policy


def digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def test_only_files_of_our_own_run() -> None:
    policy = content_security_policy()
    assert "default-src 'self'" in policy
    assert "script-src 'self';" in policy


def test_another_site_cannot_put_its_own_picture_over_the_buttons() -> None:
    assert "frame-ancestors 'self'" in content_security_policy()


def test_scripts_in_the_page_are_allowed_by_their_hash() -> None:
    imports = '\n{"imports": {}}\n'
    html = f'<script type="importmap">{imports}</script><script src="x.js"></script><script>go()</script>'
    assert f"script-src 'self' {digest(imports)} {digest('go()')};" in content_security_policy(html)


def test_line_ends_are_hashed_as_the_browser_sees_them() -> None:
    page = "<script>\n{}\n</script>"
    assert content_security_policy(page.replace("\n", "\r\n")) == content_security_policy(page)


def test_another_script_needs_another_policy() -> None:
    assert content_security_policy("<script>a</script>") != content_security_policy("<script>b</script>")
