"""WeChat: a thin client for the server API of mini-programs.

Owns how WeChat is asked and what its answers mean; knows nothing of persons or sessions, which
belong to the rooms above. No secret and no session key leaves it: neither to a caller, nor to
a log. It calls the network, so nobody may call it inside a transaction. The base address is a
setting, so that tests and local runs talk to a double.
"""
