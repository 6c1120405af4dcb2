using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Ctl;

/// <summary>Completion in the real shells, with names that come from the daemon.</summary>
public sealed class CompletionTests(ITestOutputHelper output) : CtlTest(output)
{
    [Fact]
    public void Suggestions_ComeFromTheDaemon()
    {
        Memfd("vm-web01", 1 << 30);
        Memfd("vm-db01", 4096);
        Offers("hostmemctl show ", "vm-web01\t1G\nvm-db01\t4K\n");
        // Not what is there already, but for an option's value.
        Offers("hostmemctl show vm-web01 ", "vm-db01\t4K\n");
        Offers($"hostmemctl -s {Daemon.SocketPath} rm vm-w", "vm-web01\t1G\n");
        Offers("hostmemctl add x memfd huge", "hugetlb=\tUse huge pages\nhugetlbsize=\tHuge pages size (ex: 2M, 1G)\n");
        Offers("hostmemctl set vm-db01 du", "dump=\tbool\n");
        Offers("hostmemctl get vm-db01 du", "dump\tbool\n");
        Offers("hostmemctl qmp query-memdev-s", "query-memdev-session\nquery-memdev-stats\n");
        Offers("hostmemctl -s /no/such show ", "");

        void Offers(string line, string words) => Assert.Equal(words, Good($"[suggest:{line.Length}]", line));
    }

    [FactIf(Need.Bash)]
    public void Bash_Completes()
    {
        Memfd("vm-web01", 4096);
        using var terminal = Terminal();
        terminal.Enter("bind 'set enable-bracketed-paste off'; source <(hostmemctl completion bash); clear; echo ready");
        terminal.AwaitPrompt("ready");
        Completes(terminal, "hostmemctl sh", "hostmemctl show", " vm-", "hostmemctl show vm-web01");
        Completes(terminal, "hostmemctl list --ki", "hostmemctl list --kind", " mem", "hostmemctl list --kind memfd");
        Completes(terminal, "hostmemctl add x memfd hugetlbs", "hostmemctl add x memfd hugetlbsize=", "2M /et",
            "hostmemctl add x memfd hugetlbsize=2M /etc/");
    }

    [FactIf(Need.Zsh)]
    public void Zsh_Completes()
    {
        Memfd("vm-web01", 4096);
        using var terminal = Terminal(shell: "zsh -f");
        terminal.Enter("PROMPT='$ '; autoload -Uz compinit; compinit -u -D; source <(hostmemctl completion zsh); clear; echo ready");
        terminal.AwaitPrompt("ready");
        Completes(terminal, "hostmemctl sh", "hostmemctl show", "vm-", "hostmemctl show vm-web01");
        Completes(terminal, "hostmemctl add x memfd hugetlbs", "hostmemctl add x memfd hugetlbsize=", "",
            "hostmemctl add x memfd hugetlbsize=");
        Completes(terminal, "hostmemctl run vm-web01 -- ls /et", "hostmemctl run vm-web01 -- ls /etc/", "",
            "hostmemctl run vm-web01 -- ls /etc/");
    }

    [FactIf(Need.Fish)]
    public void Fish_Completes()
    {
        Memfd("vm-web01", 4096);
        using var terminal = Terminal(shell: "fish --no-config", environment: $"HOME={Folder} XDG_CONFIG_HOME={Folder}");
        terminal.Enter("function fish_prompt; echo '$ '; end; set -g fish_autosuggestion_enabled 0; hostmemctl completion fish | source; "
            + "clear; echo ready");
        terminal.AwaitPrompt("ready");
        Completes(terminal, "hostmemctl sh", "hostmemctl show", "vm-", "hostmemctl show vm-web01");
        Completes(terminal, "hostmemctl add x memfd hugetlbs", "hostmemctl add x memfd hugetlbsize=", "",
            "hostmemctl add x memfd hugetlbsize=");
        Completes(terminal, "hostmemctl run vm-web01 -- ls /et", "hostmemctl run vm-web01 -- ls /etc/", "",
            "hostmemctl run vm-web01 -- ls /etc/");
    }

    // Types a piece, completes it, types the next one, completes that, and clears the line.
    static void Completes(Tmux terminal, string typed, string first, string more, string second)
    {
        terminal.Type(typed);
        terminal.PressUntil("Tab", s => Last(s).StartsWith("$ " + first, StringComparison.Ordinal), first);
        if (more.Length > 0)
        {
            terminal.Type(more.TrimStart());
            terminal.PressUntil("Tab", s => Last(s).StartsWith("$ " + second, StringComparison.Ordinal), second);
        }
        terminal.Press("C-c");
        terminal.Enter("clear; echo ready");
        terminal.AwaitPrompt("ready");
    }

    static string Last(string screen) => screen.Split('\n').LastOrDefault(l => l.StartsWith("$ ", StringComparison.Ordinal)) ?? "";
}
