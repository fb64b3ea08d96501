"""Notifications: the inbox, and the messages that go out through WeChat.

Owns what a person was told, how many messages of a template they still accept, and how those
are sent. Other rooms call `service.notify` in the transaction of what happened, so a person is
told of it exactly if it happened. To accept messages never earns anything: WeChat forbids it.
"""
