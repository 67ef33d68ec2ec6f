using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Kgents.Bench.Figures;

namespace Kgents.Bench;

/// <summary>What the benchmark is told on its command line.</summary>
internal sealed record BenchArguments(bool Quick, IReadOnlyList<string> Only, string? Json, bool Help, int? Backlog = null)
{
    public static string Usage { get; } =
        $"""
        usage: ./dev bench [--quick] [--only <figure>]... [--backlog <n>] [--json <file>]

        Measures Kgents as real processes on a real nats-server, each figure beside its floor, and prints a table.

          --quick          little load for little time: tells that everything works, not how fast it is
          --only <figure>  one of: {string.Join(", ", AllFigures.Names)}; may be said several times
          --backlog <n>    usage events that wait when OpenMeter comes back, of the figure usage: 50000, or 2000 with --quick
          --json <file>    writes the figures and the machine there as well
          --help           this text


        """;

    public static bool TryParse(string[] args, TextWriter errors, [NotNullWhen(true)] out BenchArguments? arguments)
    {
        var (quick, help, json, backlog) = (false, false, (string?)null, (int?)null);
        var only = new List<string>();
        arguments = null;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--quick":
                    quick = true;
                    break;
                case "--help" or "-h":
                    help = true;
                    break;
                case "--only" when i + 1 < args.Length && AllFigures.Names.Contains(args[i + 1]):
                    only.Add(args[++i]);
                    break;
                case "--backlog" when i + 1 < args.Length && int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var events) && events > 0:
                    (backlog, i) = (events, i + 1);
                    break;
                case "--json" when i + 1 < args.Length:
                    json = args[++i];
                    break;
                default:
                    errors.WriteLine($"bench: what is '{string.Join(' ', args[i..])}'?");
                    errors.Write(Usage);
                    return false;
            }
        }

        arguments = new BenchArguments(quick, only, json, help, backlog);
        return true;
    }
}
