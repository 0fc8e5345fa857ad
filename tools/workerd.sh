#!/bin/sh
# Runs workerd ($WORKERD) for Miniflare, and ends it when the process that started it was killed and could not do so.
starter=$PPID
self=$$
(
  while kill -0 "$starter" 2>/dev/null; do sleep 1; done
  kill -KILL "$self" 2>/dev/null
) <&- >&- 2>&- 3>&- &
exec "$WORKERD" "$@"
