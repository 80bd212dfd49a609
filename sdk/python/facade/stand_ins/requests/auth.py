"""Credentials, which are kept and never sent."""


class AuthBase:
    pass


class HTTPBasicAuth(AuthBase):
    def __init__(self, username, password):
        self.username = username
        self.password = password


class HTTPDigestAuth(HTTPBasicAuth):
    pass
