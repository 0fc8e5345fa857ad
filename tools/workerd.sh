#!/bin/sh
# Runs workerd ($WORKERD) for Miniflare, and ends it when the process that started it was killed and could not do so.
starter=$PPID
self=$$
(
  while kill -0 "$starter" 2>/dev/null; do
    sleep 1
    # It has ended: its number may become another one's.
    kill -0 "$self" 2>/dev/null || exit 0
  done
  kill -KILL "$self" 2>/dev/null
) <&- >&- 2>&- 3>&- &
exec "$WORKERD" "$@"
