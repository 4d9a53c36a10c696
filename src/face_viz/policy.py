"""What the browser may do with the page: run our own files, talk to our own server, nothing else."""

from __future__ import annotations

import base64
import hashlib
import re

POLICY = (
    "default-src 'self'; script-src 'self'{scripts}; connect-src 'self' ws: wss:; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


def content_security_policy(html: str = "") -> str:
    """Value of the header `Content-Security-Policy` for a page, https://www.w3.org/TR/CSP3/.

    The scripts written into the page itself (its import map can be nowhere else) are allowed by their SHA-256, which is
    that of the text between the tags with line ends as LF, as the browser sees it.
    """
    texts = INLINE_SCRIPT.findall(html.replace("\r\n", "\n"))
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
    return POLICY.format(scripts="".join(f" 'sha256-{digest}'" for digest in digests))
