-- The requests that wrk sends, and the summary that it prints: a GET of each path in a file, in a loop.
-- Each request carries a number. This makes all requests different, so that wrk does the same work for few paths as for many.

local requests, at = {}, 0

function init(args)
   local headers = {}
   for name, value in pairs(wrk.headers) do
      headers[name] = value
   end
   for path in io.lines(args[1]) do
      headers["X-Number"] = string.format("%05d", #requests)
      requests[#requests + 1] = wrk.format("GET", path, headers)
   end
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "seconds": %.6f, "failed": %d, "p50_ms": %.4f, "p99_ms": %.4f}\n',
      summary.requests, summary.duration / 1e6,
      errors.connect + errors.read + errors.write + errors.timeout + errors.status,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
