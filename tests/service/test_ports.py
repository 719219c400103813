import socket

from ivr.service.ports import bind_error


def test_free_taken_foreign_and_unknown() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        busy = bind_error("127.0.0.1", port, socket.SOCK_DGRAM)
        assert busy is not None and "--bind" in busy.remedy
    assert bind_error("127.0.0.1", port, socket.SOCK_DGRAM) is None
    foreign = bind_error("192.0.2.1", port, socket.SOCK_DGRAM)
    assert foreign is not None and "address of this machine" in foreign.remedy
    unknown = bind_error("no.such.host.invalid", port, socket.SOCK_DGRAM)
    assert unknown is not None and unknown.text == "no such host"
