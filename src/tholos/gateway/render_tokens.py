"""API tokens in the proxy's files: who sends one that was good a moment ago need not ask the door again. Pure.

A token is known by its hash alone, as the database knows it, so that the files hold no secret. Envoy has no word for a hash, so a
few lines of Lua make it (FIPS 180-4), and only where a token is sent to an app to which one has been good lately. They look at the
time too: what a token is good for ends by itself where no server is there to end it.
"""

from __future__ import annotations

from tholos.gateway.fleet import Bearer
from tholos.gateway.wire import TYPE

Json = dict[str, object]

LUA = "envoy.filters.http.lua"
_SHA_256 = r"""
local bit = require("bit")
local band, bnot, bxor, ror, rshift, tobit, tohex = bit.band, bit.bnot, bit.bxor, bit.ror, bit.rshift, bit.tobit, bit.tohex
local K, W = {}, {}
local START = {}
do
  local function fraction(x) return tobit(math.floor((x - math.floor(x)) * 4294967296)) end
  local found, n = 0, 2
  while found < 64 do
    local prime = true
    for d = 2, n - 1 do if n % d == 0 then prime = false break end end
    if prime then
      K[found] = fraction(n ^ (1 / 3))
      if found < 8 then START[found] = fraction(n ^ 0.5) end
      found = found + 1
    end
    n = n + 1
  end
end
local function sha256(text)
  local size = #text
  text = text .. "\128" .. string.rep("\0", (55 - size) % 64) .. "\0\0\0\0" .. string.char(band(rshift(size, 21), 255), band(rshift(size, 13), 255), band(rshift(size, 5), 255), band(size * 8, 255))
  local h0, h1, h2, h3, h4, h5, h6, h7 = START[0], START[1], START[2], START[3], START[4], START[5], START[6], START[7]
  for block = 1, #text, 64 do
    for i = 0, 15 do
      local a, b, c, d = text:byte(block + 4 * i, block + 4 * i + 3)
      W[i] = tobit(a * 16777216 + b * 65536 + c * 256 + d)
    end
    for i = 16, 63 do
      local x, y = W[i - 15], W[i - 2]
      W[i] = tobit(W[i - 16] + bxor(ror(x, 7), ror(x, 18), rshift(x, 3)) + W[i - 7] + bxor(ror(y, 17), ror(y, 19), rshift(y, 10)))
    end
    local a, b, c, d, e, f, g, h = h0, h1, h2, h3, h4, h5, h6, h7
    for i = 0, 63 do
      local t = tobit(h + bxor(ror(e, 6), ror(e, 11), ror(e, 25)) + bxor(band(e, f), band(bnot(e), g)) + K[i] + W[i])
      local u = tobit(bxor(ror(a, 2), ror(a, 13), ror(a, 22)) + bxor(band(a, b), band(a, c), band(b, c)))
      h, g, f, e, d, c, b, a = g, f, e, tobit(d + t), c, b, a, tobit(t + u)
    end
    h0, h1, h2, h3, h4, h5, h6, h7 = tobit(h0 + a), tobit(h1 + b), tobit(h2 + c), tobit(h3 + d), tobit(h4 + e), tobit(h5 + f), tobit(h6 + g), tobit(h7 + h)
  end
  return tohex(h0) .. tohex(h1) .. tohex(h2) .. tohex(h3) .. tohex(h4) .. tohex(h5) .. tohex(h6) .. tohex(h7)
end
"""
_ON_REQUEST = r"""
function envoy_on_request(handle)
  local scheme, token = string.match(handle:headers():get("authorization") or "", "^(%a+) +(tholos_[%w_-]+)$")
  if not token or #token > 200 then return end
  scheme = scheme:lower()
  if scheme ~= "bearer" and scheme ~= "key" then return end
  local hash = sha256(token)
  local ends = handle:metadata():get(hash)
  if not ends or ends <= os.time() then return end
  handle:streamInfo():dynamicMetadata():set("envoy.filters.http.lua", "token", hash)
  handle:clearRouteCache()
end
"""
FILTER: Json = {
    "name": LUA,
    "disabled": True,
    "typed_config": {
        "@type": TYPE + "envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string": _SHA_256 + _ON_REQUEST},
    },
}
"""Of the proxy; a route says where it is at work."""


def is_sent(bearer: Bearer) -> Json:
    """Matches a request of which the filter has found the token."""
    return {"filter": LUA, "path": [{"key": "token"}], "value": {"string_match": {"exact": bearer.hash}}}


def looking_for(bearers: tuple[Bearer, ...], to_door: Json, headers: list[Json]) -> Json:
    """The route of requests with a token: to the door, unless the filter finds it to be one of these."""
    match = {"prefix": "/", "headers": headers}
    lua: Json = {"@type": TYPE + "envoy.extensions.filters.http.lua.v3.LuaPerRoute"}
    at_work = {"@type": TYPE + "envoy.config.route.v3.FilterConfig", "config": lua}
    return {
        **to_door,
        "match": match,
        "metadata": {"filter_metadata": {LUA: {one.hash: one.until for one in bearers}}},
        "typed_per_filter_config": {LUA: at_work},
    }


def identity_of(bearer: Bearer) -> list[tuple[str, str]]:
    """Who it is, in headers; a percent sign would begin a word of Envoy's."""
    said = (("x-tholos-account", bearer.name), ("rstudio-connect-credentials", bearer.identity))
    return [(header, value.replace("%", "%%")) for header, value in said]
