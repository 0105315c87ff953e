-- Makes the globals that scripts see. It runs once, with all of Lua's own libraries in reach, and
-- returns what the engine needs. Scripts see only what is put into `globals` here.
--
-- What must not be changed is a userdata with an `__index`, not a table: no function of Lua can
-- change it, `rawset` and `table.insert` included.
--
-- A function of this file that calls one of Lua's own passes errors on with a position in this file.
-- `host.shown` and `host.handler` know this file's name, and put the script's position in its place.

local host, globals, redis = ...

local raw_pcall, raw_xpcall, error, type, tostring = pcall, xpcall, error, type, tostring
local rawget, pairs, next, select, setmetatable = rawget, pairs, next, select, setmetatable
local newproxy, getmetatable, unpack, collectgarbage = newproxy, getmetatable, unpack, collectgarbage
local concat = table.concat
local create, resume = coroutine.create, coroutine.resume
local find, match, gmatch, gsub = string.find, string.match, string.gmatch, string.gsub
local shown, loadstring, limit_memory = host.shown, host.loadstring, host.limit_memory

local READ_ONLY = 'Attempt to modify a readonly table'

-- Locked tables: what stands for each, and what is behind it.
local behind = {}

local function refuse()
  error(READ_ONLY, 2)
end

local function locked(table)
  local proxy = newproxy(true)
  local meta = getmetatable(proxy)
  meta.__index = table
  meta.__newindex = refuse
  meta.__metatable = false
  behind[proxy] = table
  return proxy
end

-- Errors. pcall gives the text of an error that is a table, as Redis's does.

local function caught(ok, err, ...)
  if ok then
    return true, err, ...
  end
  err = shown(err)
  if type(err) == 'table' then
    local text = rawget(err, 'err')
    if type(text) == 'string' then
      err = text
    end
  end
  return false, err
end

local function passed(ok, err, ...)
  if ok then
    return true, err, ...
  end
  return false, shown(err)
end

local function wrapped(ok, err, ...)
  if ok then
    return err, ...
  end
  error(shown(err), 0)
end

globals.pcall = function(...)
  return caught(raw_pcall(...))
end

globals.xpcall = function(body, handler)
  return passed(raw_xpcall(body, function(err)
    return handler(shown(err))
  end))
end

local coroutines = {}
for name, value in pairs(coroutine) do
  coroutines[name] = value
end

coroutines.resume = function(...)
  return passed(resume(...))
end

coroutines.wrap = function(body)
  local thread = create(body)
  return function(...)
    return wrapped(resume(thread, ...))
  end
end

-- Strings. Matching uses the stack of the process, as deep as the pattern is long.

local LONGEST_PATTERN = 4096

local function checked(pattern)
  if type(pattern) == 'string' and #pattern > LONGEST_PATTERN then
    error('pattern too complex', 3)
  end
  return pattern
end

local strings = {}
for name, value in pairs(string) do
  strings[name] = value
end

strings.find = function(text, pattern, init, plain)
  -- A plain search needs no stack.
  if plain then
    return find(text, pattern, init, plain)
  end
  return find(text, checked(pattern), init)
end

strings.match = function(text, pattern, ...)
  return match(text, checked(pattern), ...)
end

strings.gmatch = function(text, pattern)
  return gmatch(text, checked(pattern))
end
strings.gfind = strings.gmatch

strings.gsub = function(text, pattern, ...)
  return gsub(text, checked(pattern), ...)
end

local meta = getmetatable('')
meta.__index = strings
meta.__metatable = false

-- The rest.

globals.collectgarbage = function(what, arg)
  what = what or 'collect'
  if what == 'collect' or what == 'count' or what == 'step' then
    return collectgarbage(what, arg)
  end
  -- How memory is freed is the server's matter.
  return 0
end

globals.load = function(piece, name)
  local pieces = {}
  while true do
    local text = piece()
    if text == nil or text == '' then
      break
    end
    if type(text) ~= 'string' then
      return nil, 'reader function must return a string'
    end
    pieces[#pieces + 1] = text
  end
  return loadstring(concat(pieces), name or '=(load)')
end
globals.loadstring = loadstring

globals.rawget = function(table, key)
  return rawget(behind[table] or table, key)
end

globals.pairs = function(table)
  local real = behind[table]
  if real then
    return function(_, key)
      return next(real, key)
    end, table, nil
  end
  return pairs(table)
end

for _, name in pairs({
  'assert', 'error', 'gcinfo', 'getmetatable', 'ipairs', 'next', 'rawequal', 'rawset', 'select',
  'setmetatable', 'tonumber', 'tostring', 'type', 'unpack', '_VERSION',
}) do
  globals[name] = _G[name]
end

globals.string = locked(strings)
globals.table = locked(table)
globals.math = locked(math)
globals.coroutine = locked(coroutines)
globals.os = locked({ clock = os.clock })
globals.redis = locked(redis)
globals.server = globals.redis
for _, name in pairs(host.libraries) do
  globals[name] = locked(globals[name])
end

-- Environments: what a script reads as globals.

local function absent(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end

setmetatable(globals, { __index = absent })
globals._G = locked(globals)

local access = { __index = globals, __newindex = refuse, __metatable = false }
local environment = setmetatable({}, access)

-- While a library is loaded, its functions are registered, and no command can be called.
local loading = {}
for name, value in pairs(globals) do
  loading[name] = value
end
loading.redis = locked(setmetatable(host.loading, { __index = absent }))
loading.server = loading.redis
setmetatable(loading, { __index = absent })
loading._G = locked(loading)

local handler = host.handler

-- The tables of a script's keys and other arguments. The first `count` of all words are the keys.
local function split(count, words)
  local args = {}
  for i = count + 1, #words do
    args[i - count], words[i] = words[i], nil
  end
  return words, args
end

-- Runs a script. An error comes back as the handler has made it.
local function run(script, keys, args)
  globals.KEYS, globals.ARGV = keys, args
  limit_memory()
  return raw_xpcall(script, handler)
end

-- Runs a function of a library. KEYS and ARGV are globals of scripts only.
local function call(body, keys, args)
  globals.KEYS, globals.ARGV = nil, nil
  limit_memory()
  return raw_xpcall(function()
    return body(keys, args)
  end, handler)
end

-- How the engine begins to run something: one way each for no key, one key and two, and one for any
-- number of words. What most scripts are given takes few steps of Lua.
local function entry(go)
  return {
    few = {
      function(what, ...)
        return go(what, {}, { ... })
      end,
      function(what, first, ...)
        return go(what, { first }, { ... })
      end,
      function(what, first, second, ...)
        return go(what, { first, second }, { ... })
      end,
    },
    many = function(what, count, words)
      return go(what, split(count, words))
    end,
  }
end

return {
  environment = environment,
  -- A library that is being loaded reads other globals than its functions will.
  set_loading = function(is_loading)
    access.__index = is_loading and loading or globals
  end,
  run = entry(run),
  call = entry(call),
}
