# Arguments: the temporary folder, and "remove" or "keep". Orders come one a line on standard input:
#   watch GROUP SIGNAL     forget GROUP
trap '' HUP INT TERM
groups=' '
while read -r verb group signal; do
    case $verb in
        watch) groups="$groups$group:$signal " ;;
        forget)
            case $groups in
                *" $group:"*)
                    rest=${groups#*" $group:"}
                    groups="${groups%%" $group:"*} ${rest#* }"
                    ;;
            esac
            ;;
    esac
done

# The process that gave the orders is gone. First politely, so that Postgres frees its shared memory.
for entry in $groups; do
    kill -s "${entry#*:}" -- "-${entry%%:*}" 2>/dev/null
done
for entry in $groups; do
    tries=0
    while kill -s 0 -- "-${entry%%:*}" 2>/dev/null && [ $tries -lt 40 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
    kill -s KILL -- "-${entry%%:*}" 2>/dev/null
done

[ "$2" = keep ] && exit 0
tries=0
until rm -rf -- "$1" 2>/dev/null || [ $tries -ge 20 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
