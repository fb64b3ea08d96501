-- wrk's side of a job (wrk.py): request n is head n, key n and tail n, as plan.py has it.
-- Thread t of T sends t, t + T, t + 2T …, so that no request is sent twice.
local threads = {}

function setup(thread)
   thread:set("place", #threads)
   thread:set("following", -1)
   threads[#threads + 1] = thread
end

local function part(file)
   local length = file:read("*n")
   file:read(1)
   return length == 0 and "" or file:read(length)
end

local function parts(file)
   local list = {}
   for position = 0, file:read("*n") - 1 do
      list[position] = part(file)
   end
   return list
end

function init(args)
   local file = assert(io.open(args[1], "rb"))
   step = tonumber(args[2])
   number = tonumber(args[3]) + place
   local count, by_laps = file:read("*n"), file:read("*n") == 1
   local numbered_from, key = part(file), part(file)
   local heads, tails = parts(file), parts(file)
   file:close()
   local people, bodies = #heads + 1, #tails + 1
   -- Ids have more digits than a number of Lua keeps.
   local base = numbered_from ~= "" and loadstring("return " .. numbered_from .. "LL")()

   function composed(n)
      local head, place = heads[n % people], n
      if by_laps then
         place = math.floor(n / people)
      end
      local tail = tails[place % bodies]
      if base then
         local id = tostring(base + n):sub(1, -3)
         tail = tail:gsub("{number}", id, 1)
      end
      if key ~= "" then
         return head .. key .. string.format("%d", n) .. tail
      end
      return head .. tail
   end

   function request()
      if count >= 0 and number >= count then
         error("there was nothing left to send")
      end
      local sent = composed(number)
      number = number + step
      following = number
      return sent
   end
end

function done(summary, latency, requests)
   local last = 0
   for _, thread in ipairs(threads) do
      last = math.max(last, thread:get("following"))
   end
   local errors = summary.errors
   io.write(string.format(
      '\nbench: {"requests": %d, "microseconds": %d, "p50": %d, "p95": %d, "p99": %d, ' ..
      '"following": %d, "refused": %d, "broken": %d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(95),
      latency:percentile(99), last, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout))
end
