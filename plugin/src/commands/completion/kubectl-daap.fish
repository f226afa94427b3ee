# Completion of kubectl-daap for fish. To load it: kubectl-daap completion fish | source
function __kubectl_daap_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --current-token --cut-at-cursor)
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':0'
                __fish_complete_path "$current"
            case ':16'
                __fish_complete_directories "$current"
            case ':*'
            case '*'
                # A value, a tab and its description: fish's own form.
                echo $line
        end
    end
end
complete --command kubectl-daap --no-files --arguments '(__kubectl_daap_complete)'
