using System.Text.RegularExpressions;
using Kgents.Testing;

namespace Kgents.Tests.Rights;

/// <summary>What somebody did, as the log of a server with <c>trace</c> has it.</summary>
internal sealed partial record Act(string User, string Name, string Subject)
{
    public static async Task<IReadOnlyCollection<Act>> ReadAllAsync(NatsServer nats) =>
    [
        .. (await nats.ReadLogAsync(TestContext.Current.CancellationToken))
            .Select(line => Traced.Match(line))
            .Where(match => match.Success)
            .Select(match => new Act(match.Groups[1].Value, match.Groups[2].Value == "SUB" ? "subscribe" : "publish", match.Groups[3].Value))
            .Distinct(),
    ];

    [GeneratedRegex(@"""\$G/user:(\w+)"" - <<- \[(PUB|HPUB|SUB) (\S+)")]
    private static partial Regex Traced { get; }
}
