"""Identity: who a person is, how they prove it, and the devices they are signed in on.

Owns persons, identities, login sessions and refresh tokens; all global, as a person has no
community. An access token lives minutes and is checked against its session on every request;
a refresh token works once, and using it twice ends the session. Providers: WeChat's
code2Session, and a local one for the demo that believes what it is told.
"""
