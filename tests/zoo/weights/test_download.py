"""Downloads from a server on this machine that can cut, lie and count."""

import hashlib
import http.server
import multiprocessing
import threading
from pathlib import Path

import pytest

from zoo.weights.download import DownloadError, DownloadMismatchError, download, sha256_of

CONTENT = bytes(range(256)) * 20_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves ``content`` at any path; what it does wrong is set by the test."""

    content = CONTENT
    cut_after = None
    resumes = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/weights.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        body = self.server.content
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if asked and self.server.resumes:
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            body = body[start:]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.server.cut_after is None else body[: self.server.cut_after])

    def log_message(self, *_):
        """Keep the test's output clean."""


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def part_of(path):
    return Path(f"{path}.part")


def test_a_file_arrives_whole_under_its_name_and_no_part_is_left(server, tmp_path):
    target = tmp_path / "cache" / "weights.bin"
    assert download(server.url, target, SHA256, len(CONTENT)) == target
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("size", [len(CONTENT), 0])
def test_a_cut_keeps_the_part_and_the_next_call_goes_on_from_there(server, tmp_path, size):
    target = tmp_path / "weights.bin"
    server.cut_after = 1_000_000
    with pytest.raises((DownloadError, DownloadMismatchError)) as caught:
        download(server.url, target, SHA256, size)
    assert not target.exists()
    server.cut_after = None
    if size:
        assert isinstance(caught.value, DownloadError)
        assert part_of(target).stat().st_size == 1_000_000
    download(server.url, target, SHA256, size)
    assert target.read_bytes() == CONTENT
    if size:
        assert server.ranges == [None, "bytes=1000000-"]


def test_a_server_that_cannot_resume_is_read_from_the_start(server, tmp_path):
    target = tmp_path / "weights.bin"
    part_of(target).write_bytes(CONTENT[:5000])
    server.resumes = False
    download(server.url, target, SHA256, len(CONTENT))
    assert target.read_bytes() == CONTENT


def test_a_part_of_another_file_is_thrown_away_and_fetched_again(server, tmp_path):
    target = tmp_path / "weights.bin"
    part_of(target).write_bytes(b"something else entirely")
    download(server.url, target, SHA256, len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert server.ranges == ["bytes=23-", None]


def test_a_part_that_is_already_whole_is_only_checked(server, tmp_path):
    target = tmp_path / "weights.bin"
    part_of(target).write_bytes(CONTENT)
    download(server.url, target, SHA256, len(CONTENT))
    assert server.ranges == []
    part_of(target).write_bytes(CONTENT)
    target.unlink()
    download(server.url, target, SHA256)
    assert target.read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(server, tmp_path):
    target = tmp_path / "weights.bin"
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(DownloadMismatchError, match="sha256"):
        download(server.url, target, SHA256, len(CONTENT))
    assert list(tmp_path.iterdir()) == []


def test_an_answer_longer_than_published_is_stopped_before_the_disk_fills(server, tmp_path):
    target = tmp_path / "weights.bin"
    with pytest.raises(DownloadMismatchError, match="more than the 1000 bytes"):
        download(server.url, target, SHA256, 1000)
    assert list(tmp_path.iterdir()) == []


def test_the_first_digits_of_a_checksum_are_enough_where_no_more_is_published(server, tmp_path):
    target = download(server.url, tmp_path / "weights.bin", SHA256[:8].upper())
    assert sha256_of(target) == SHA256


def test_a_missing_page_and_a_closed_port_are_one_line(server, tmp_path):
    with pytest.raises(DownloadError, match="404"):
        download(server.url.replace("weights", "missing"), tmp_path / "a", SHA256)
    with pytest.raises(DownloadError, match="could not be fetched"):
        download("http://127.0.0.1:9/a", tmp_path / "b", SHA256)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_made_is_an_error_of_the_disk(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileExistsError):
        download(server.url, tmp_path / "file" / "weights.bin", SHA256)


def test_two_processes_at_once_fetch_it_once_and_both_have_it(server, tmp_path):
    target = tmp_path / "weights.bin"
    context = multiprocessing.get_context("spawn")
    arguments = (server.url, target, SHA256, len(CONTENT))
    workers = [context.Process(target=download, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert target.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [target]
    assert len(server.ranges) == 1
