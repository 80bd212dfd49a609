"""The stand-ins: usual names, and no pretence."""

import asyncio
import importlib
import sys
import unittest

from facade import SDK


class StandIns(unittest.TestCase):
    def setUp(self):
        place = str(SDK / "facade" / "stand_ins")
        sys.path.insert(0, place)
        self.addCleanup(sys.path.remove, place)
        # Others may be installed here.
        hidden = {name: sys.modules.pop(name) for name in list(sys.modules)
                  if name.split(".")[0] in ("requests", "httpx")}
        self.addCleanup(self.put_back, hidden)
        self.requests = importlib.import_module("requests")
        self.httpx = importlib.import_module("httpx")

    def put_back(self, hidden):
        for name in list(sys.modules):
            if name.split(".")[0] in ("requests", "httpx"):
                del sys.modules[name]
        sys.modules.update(hidden)

    def test_every_request_is_a_connection_error(self):
        requests = self.requests
        session = requests.Session()
        for owner in (requests, session):
            for verb in ("get", "post", "put", "patch", "delete", "head", "options"):
                with self.assertRaises(requests.exceptions.ConnectionError) as caught:
                    getattr(owner, verb)("https://x.example/", timeout=5, headers={"a": "b"})
                self.assertIn("no network", str(caught.exception))
                self.assertIn("https://x.example/", str(caught.exception))
        with self.assertRaises(requests.RequestException):
            requests.request("GET", "https://x.example/", json={}, auth=("a", "b"))
        with requests.session() as session, self.assertRaises(IOError):
            session.mount("https://", importlib.import_module("requests.adapters").HTTPAdapter())
            session.headers.update({"a": "b"})
            session.post("https://x.example/", data=b"x", json={"a": 1})

    def test_exceptions_are_caught_as_usual(self):
        errors = self.requests.exceptions
        self.assertTrue(issubclass(errors.ConnectTimeout, errors.Timeout))
        self.assertTrue(issubclass(errors.ConnectTimeout, errors.ConnectionError))
        self.assertTrue(issubclass(errors.HTTPError, self.requests.HTTPError))
        self.assertTrue(issubclass(self.requests.JSONDecodeError, ValueError))
        self.assertFalse(issubclass(errors.ConnectionError, errors.Timeout))
        self.assertEqual(self.requests.codes.ok, 200)
        self.assertEqual(str(errors.JSONDecodeError("m", "doc", 0)), "m: line 1 column 1 (char 0)")

    def test_httpx_too(self):
        httpx = self.httpx
        client = httpx.Client(timeout=httpx.Timeout(5.0, connect=1), headers={"a": "b"})
        for owner in (httpx, client):
            for verb in ("get", "post", "put", "patch", "delete", "head", "options"):
                with self.assertRaises(httpx.ConnectError):
                    getattr(owner, verb)("https://x.example/")
        with self.assertRaises(httpx.HTTPError), httpx.stream("GET", "https://x.example/"):
            pass
        self.assertTrue(issubclass(httpx.ConnectTimeout, httpx.TimeoutException))
        self.assertTrue(issubclass(httpx.HTTPStatusError, httpx.HTTPError))
        self.assertFalse(issubclass(httpx.HTTPStatusError, httpx.RequestError))

    def test_httpx_async(self):
        httpx = self.httpx

        async def ask(verb):
            async with httpx.AsyncClient(timeout=5) as client:
                await getattr(client, verb)("https://x.example/", json={})

        async def stream():
            async with httpx.AsyncClient() as client:
                async with client.stream("GET", "https://x.example/"):
                    pass

        for verb in ("get", "post", "put", "patch", "delete", "head", "options"):
            with self.assertRaises(httpx.ConnectError):
                asyncio.run(ask(verb))
        with self.assertRaises(httpx.ConnectError):
            asyncio.run(stream())

    def test_names_that_abilities_import(self):
        for module, names in (
            ("requests.exceptions", "ConnectionError Timeout HTTPError RequestException SSLError"),
            ("requests.auth", "HTTPBasicAuth"), ("requests.utils", "quote"),
            ("requests.models", "Response"), ("requests.sessions", "Session"),
            ("httpx", "Client AsyncClient ConnectError TimeoutException HTTPStatusError Response"),
        ):
            module = importlib.import_module(module)
            for name in names.split():
                self.assertTrue(hasattr(module, name), name)


if __name__ == "__main__":
    unittest.main()
