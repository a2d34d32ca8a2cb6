from tests.engine.conftest import tell

__all__ = ["tell"]
