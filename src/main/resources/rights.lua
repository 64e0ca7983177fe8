-- Tries out each of the commands above it (commands.lua), so that all that a user may not are known at once.
--
-- Returns the names of those that are refused.
local lacking = {}
for _, call in ipairs(commands) do
  local answer = redis.pcall(unpack(call))
  local refusal = type(answer) == 'table' and answer.err or ''
  -- In the words of several versions.
  for _, words in ipairs({ 'NOPERM', 'No permissions', 'ACL failure', "can't run this command", "can't access" }) do
    if string.find(refusal, words, 1, true) then
      lacking[#lacking + 1] = call[1]
      break
    end
  end
end
return lacking
