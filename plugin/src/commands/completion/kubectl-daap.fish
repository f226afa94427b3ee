# Completion of kubectl-daap for fish. To load it: kubectl-daap completion fish | source
function __kubectl_daap_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --current-token --cut-at-cursor)
    # Values come without their flag.
    set -l flag (string match --regex -- '^-[^=]*=' "$current")
    set -l value (string replace --regex -- '^-[^=]*=' '' "$current")
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':0'
                printf '%s\n' "$flag"(__fish_complete_path "$value")
            case ':16'
                printf '%s\n' "$flag"(__fish_complete_directories "$value")
            case ':*'
            case '*'
                # A value, a tab and its description: fish's own form.
                printf '%s\n' "$flag$line"
        end
    end
end
complete --command kubectl-daap --no-files --arguments '(__kubectl_daap_complete)'
