"""Sessions: WeChat, phone, password; consents."""
