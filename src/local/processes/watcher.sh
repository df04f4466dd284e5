# Reads what to watch from the owner of the servers; when the pipe closes, stops them and removes "$1".
# "watch SIGNAL:PID" adds a process, "forget PID" drops it, "keep" leaves everything as it is.
trap '' HUP INT TERM
servers=
while read -r verb argument; do
    case "$verb" in
    watch) servers="$servers $argument" ;;
    forget)
        others=
        for server in $servers; do
            [ "${server#*:}" = "$argument" ] || others="$others $server"
        done
        servers=$others
        ;;
    keep) exit 0 ;;
    esac
done
for server in $servers; do
    kill -s "${server%%:*}" "${server#*:}"
done
tries=0
while [ "$tries" -lt 50 ]; do
    alive=
    for server in $servers; do
        kill -s 0 "${server#*:}" && alive=yes
    done
    [ -n "$alive" ] || break
    sleep 0.1
    tries=$((tries + 1))
done
for server in $servers; do
    kill -s KILL "${server#*:}"
done
rm -rf -- "$1"
