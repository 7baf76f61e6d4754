"""The closed set of what can go wrong upstream. The engine matches the families; people read the leaves.

UpstreamError
├── Refused               the request itself is at fault; asking again cannot help; nothing was bought
│   ├── Invalid           an input that the upstream, or our adapter, does not take (`field` names it)
│   └── Moderated         the content was refused
├── NotAccepted           surely nothing was bought; another route, or later
│   ├── NotSent           DNS, connect, TLS, no free connection
│   │   └── NotTried      for want of something on our side or the client's: it says nothing of the upstream
│   ├── RateLimited       429, busy, no free slot (`retry_after` seconds, where told)
│   ├── Unavailable       5xx that says 'not accepted', maintenance; on a poll: any answer that is no verdict
│   ├── Unauthenticated   401, 403: our credentials
│   ├── QuotaExceeded     our money or quota there is used up
│   └── Retired           the model is gone
├── OutcomeUnknown        sent, and no readable answer: it may have been bought
│   └── Repeated          refused because the upstream has seen this token: the job is there
├── NotFound              the upstream does not know this job
└── GenerationFailed      the job ended there without a result
    ├── NoOutput          'finished', and nothing in it
    └── Interrupted       lost or cut off there, through no fault of the request: another may be begun in its place
"""


class UpstreamError(Exception):
    """`message` carries no secret and no upstream address; `field` is a JSON path.

    A client reads it where it is about the request (`is_for_clients`). Of our dealings with an upstream they learn the kind of trouble, and
    not with whom.
    """

    code = "upstream_error"
    retryable = False
    is_for_clients = False

    def __init__(self, message: str = "", *, field: str | None = None, retry_after: float | None = None):
        super().__init__(message)
        self.message = message or (type(self).__doc__ or "").split("\n")[0]
        self.field = field
        self.retry_after = retry_after

    @property
    def told(self) -> str:
        """What a client is told."""
        return self.message if self.is_for_clients else (type(self).__doc__ or "").split("\n")[0]


class Refused(UpstreamError):
    """The upstream refused the request."""

    code = "refused"
    is_for_clients = True


class Invalid(Refused):
    """The upstream does not take this input."""

    code = "invalid_input"


class Moderated(Refused):
    """The content was refused by moderation."""

    code = "moderated"


class NotAccepted(UpstreamError):
    """The upstream did not take the request; nothing was bought."""

    code = "not_accepted"
    retryable = True


class NotSent(NotAccepted):
    """The upstream could not be reached."""

    code = "not_sent"


class NotTried(NotSent):
    """The request could not be made yet."""


class RateLimited(NotAccepted):
    """The upstream is busy."""

    code = "rate_limited"


class Unavailable(NotAccepted):
    """The upstream is unavailable."""

    code = "unavailable"


class Unauthenticated(NotAccepted):
    """The upstream refused our credentials."""

    code = "unauthenticated"


class QuotaExceeded(NotAccepted):
    """Our quota at the upstream is used up."""

    code = "quota_exceeded"


class Retired(NotAccepted):
    """The upstream no longer has this model."""

    code = "retired"


class OutcomeUnknown(UpstreamError):
    """The request was sent and no readable answer came back; it may have been bought."""

    code = "submission_outcome_unknown"


class Repeated(OutcomeUnknown):
    """The upstream has taken this very request before."""


class NotFound(UpstreamError):
    """The upstream does not know this job."""

    code = "not_found"
    retryable = True


class GenerationFailed(UpstreamError):
    """The upstream could not make this."""

    code = "generation_failed"
    retryable = True
    is_for_clients = True


class NoOutput(GenerationFailed):
    """The upstream finished without a result."""

    code = "no_output"


class Interrupted(GenerationFailed):
    """The upstream lost the job, or cut it off.

    Only said of a job that is surely over, by upstreams of which a second one costs no more than its time.
    """
