"""An S3-compatible server on loopback (moto's), spoken to over HTTP, that can refuse a PUT."""

import threading
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field

import boto3
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

__all__ = ["Store", "object_store"]

_REFUSAL = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{code}</Code><Message>{message}</Message></Error>"""
_ANSWERS = {
    "403 Forbidden": ("AccessDenied", "Access Denied"),
    "503 Service Unavailable": ("SlowDown", "Please reduce your request rate."),
    "507 Insufficient Storage": ("XMinioStorageFull", "Storage backend has reached its limit."),
}


@dataclass
class Store:
    """The server's address, what was PUT to it, and which PUTs it refuses with which answer."""

    environment: dict[str, str] = field(default_factory=dict)
    put: list[str] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)

    def client(self):
        """Return a client of the store."""
        return boto3.client(
            "s3",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def upload(self, folder, bucket):
        """Store every file of a folder under its relative name."""
        client = self.client()
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                client.put_object(Bucket=bucket, Key=name, Body=path.read_bytes())
        self.put.clear()

    def download(self, bucket, prefix):
        """Return the bytes of every object below a prefix, by the rest of its name."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        names = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {
            name.removeprefix(prefix): client.get_object(Bucket=bucket, Key=name)["Body"].read()
            for name in names
        }

    def answer(self, application, environ, respond):
        """Answer one request, as a WSGI application."""
        if environ["REQUEST_METHOD"] == "PUT":
            self.put.append(environ["PATH_INFO"].lstrip("/"))
            status = self.refused.get(len(self.put))
            if status is not None:
                self.put[-1] = f"refused {self.put[-1]}"
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                code, message = _ANSWERS[status]
                respond(status, [("Content-Type", "application/xml")])
                return [_REFUSAL.format(code=code, message=message).encode()]
        return application(environ, respond)


@contextmanager
def object_store(*buckets):
    """Run a store with those buckets; ``environment`` is what leads clients to it."""
    application = DomainDispatcherApplication(create_backend_app)
    store = Store()
    server = make_server(
        "127.0.0.1",
        0,
        lambda environ, respond: store.answer(application, environ, respond),
        threaded=True,
        request_handler=_SilentHandler,
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    store.environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    try:
        # moto's stores live as long as the process, whichever server asks for them.
        urllib.request.urlopen(
            urllib.request.Request(f"{store.environment['AWS_ENDPOINT_URL']}/moto-api/reset", b"")
        ).close()
        for bucket in buckets:
            store.client().create_bucket(Bucket=bucket)
        store.put.clear()
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _SilentHandler(MotoRequestHandler):
    def log_request(self, *arguments):
        """Write no line for each request."""
