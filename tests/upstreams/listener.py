"""A server that takes orders and keeps books by its doors. What it speaks is up to its subclasses."""

from collections import Counter, defaultdict, deque

from aiohttp import web

from .orders import Order
from .server import Server


class Refusal(Exception):
    """The protocol's own error answer."""

    def __init__(self, status: int, code: int | str, message: str, field: str = ""):
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field


class Listener(Server):
    """More books: `requests` by door, since start."""

    DOORS: tuple[str, ...]

    def __init__(self, *, port: int = 0):
        super().__init__(port=port)
        self.requests: Counter[str] = Counter()
        self._orders: dict[str, deque[Order]] = defaultdict(deque)

    # What tests say and ask

    def will(self, *orders: Order, at: str, times: int = 1) -> None:
        """Obey these at the next requests to that door, one a request."""
        assert at in self.DOORS, f"{at} is none of {self.DOORS}"
        self._orders[at].extend(orders * times)

    def behave(self) -> None:
        """Forget the orders that are not obeyed yet."""
        self._orders.clear()

    def so_far(self) -> str:
        return f"requests {dict(self.requests)}"

    # The server

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._obey(request)
        except Refusal as refusal:
            return self._refused(request, refusal)

    def _next(self, door: str) -> Order | None:
        return self._orders[door].popleft() if self._orders[door] else None

    # What it speaks

    async def _obey(self, request: web.BaseRequest) -> web.StreamResponse:
        """Count the request by its door, and answer it; raises Refusal."""
        raise NotImplementedError

    def _refused(self, request: web.BaseRequest, refusal: Refusal) -> web.StreamResponse:
        raise NotImplementedError
