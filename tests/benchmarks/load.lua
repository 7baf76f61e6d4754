-- For wrk: each request is one of those in a file, in turn from a random start. Lines: key TAB path.
-- Arguments: file, method, body. Prints one line "RESULT requests microseconds p50 p99 not-2xx socket-errors" at the end.
local requests, at, failed = {}, 0, 0

function init(args)
  for line in io.lines(args[1]) do
    local key, path = line:match("^(%S+)\t(%S+)$")
    local headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
    table.insert(requests, wrk.format(args[2], path, headers, args[3]))
  end
  math.randomseed(os.time())
  at = math.random(#requests)
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), e.status, e.connect + e.read + e.write + e.timeout))
end
