"""Packs pjproject's Python binding as a wheel. Run by ``build.sh`` in a folder that holds what SWIG
wrote (``pjsua2.py``, ``pjsua2_wrap.*``) and ``COPYING``; pjproject's static libraries go into the extension.

Environment: ``PJPROJECT`` the built source tree, ``WHEEL_VERSION``, ``WHEEL_SOURCE`` what it was built from;
``SANITIZE`` the sanitizers that the libraries were compiled with.
"""

import os
import subprocess
from pathlib import Path

from setuptools import Extension, setup

SANITIZE = os.environ.get("SANITIZE", "")
"""What the compiler's sanitizers check; empty for a build that is used."""
BINDING = Path(os.environ["PJPROJECT"]) / "pjsip-apps" / "src" / "swig" / "python"


def flags(kind: str) -> list[str]:
    """What pjproject's own makefiles say about ``cflags``, ``ldflags`` or ``libs``."""
    command = ["make", "--no-print-directory", "-s", "-f", "helper.mak", kind]
    return subprocess.run(command, cwd=BINDING, check=True, capture_output=True, text=True).stdout.split()


setup(
    name="pjsua2-carrier",
    version=os.environ["WHEEL_VERSION"],
    description="PJSUA2, the SIP user agent of pjproject, compiled for a thousand calls in one process",
    long_description=(
        "The Python module `pjsua2` of pjproject, compiled for servers: about a thousand calls, epoll,\n"
        "OpenSSL 3, SRTP, Opus, G.722. It takes the place of the distribution `pjsua2-python`; only one of\n"
        f"the two can be installed.\n\nBuilt from {os.environ['WHEEL_SOURCE']}.\n"
    ),
    long_description_content_type="text/markdown",
    license_expression="GPL-2.0-or-later",
    license_files=["COPYING"],
    url="https://www.pjsip.org",
    python_requires=">=3.11",
    py_modules=["pjsua2"],
    ext_modules=[
        Extension(
            "_pjsua2",
            ["pjsua2_wrap.cpp", "line_port.cpp"],
            include_dirs=["."],
            language="c++",
            extra_compile_args=[*flags("cflags"), "-g0", "-w", *(["-fno-sanitize=all"] if SANITIZE else [])],
            # pjproject's C functions can be found from outside: the service calls some that pjsua2 has no
            # word for. Its own calls stay inside, whatever else the process has loaded.
            extra_link_args=[
                *flags("ldflags"),
                "-Wl,-Bsymbolic-functions",
                "-Wl,--as-needed",
                *([f"-fsanitize={SANITIZE}"] if SANITIZE else ["-s"]),
                *(f"-l{name}" for name in flags("libs")),
            ],
        )
    ],
)
