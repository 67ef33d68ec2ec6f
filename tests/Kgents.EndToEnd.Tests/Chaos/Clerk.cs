using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Kgents.EndToEnd.Tests.Backup;
using Kgents.EndToEnd.Tests.Systems;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>
/// Decides on usage at the command line while everything dies: begins a ledger anew, sends what is missing under a new id, and has sent again what OpenMeter showed and lost. Each command is given until it is done
/// or refused; it may end in the middle, as NATS does.
/// </summary>
internal sealed partial class Clerk(ChaosSystem system, Random random)
{
    /// <summary>Of a command that a run can do without.</summary>
    private const int MostTries = 5;

    /// <summary>Above what a command waits for NATS.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);

    public ConcurrentQueue<Order> Orders { get; } = new();

    /// <summary>The first act is tried until its answer is known, since each run must have that.</summary>
    /// <param name="limit">What is not there by then does not come.</param>
    public async Task RunAsync(CancellationToken over, CancellationToken limit)
    {
        for (var act = 0; await Draws.PassAsync(random.Between(5, 12), over); act++)
        {
            var partition = random.Next(ChaosSystem.Partitions);
            await (act == 0 || random.Chance(0.25) ? GiveAsync(Order.Rebuild, partition, 0, act, limit)
                : random.Chance(0.4) ? GiveAsync(Order.Resend, partition, 0, act, limit)
                : ReissueAsync(partition, act, limit));
        }
    }

    /// <summary>
    /// The last acts come when nothing dies any more: of what OpenMeter has lost, that of one partition is sent again, and that of the other stays; and of what is missing, one of each partition is sent under a new
    /// id. One event becomes missing in any case, which takes until it has stayed away twice.
    /// </summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        var act = int.MaxValue;
        await GiveAsync(Order.Resend, 0, 0, act, cancellationToken);
        do
        {
            act--;
            for (var partition = 0; partition < ChaosSystem.Partitions; partition++)
            {
                await ReissueAsync(partition, act, cancellationToken);
            }
        }
        while (system.OpenMeterFaults.HasClaimed && !Orders.Any(each => each is { Verb: Order.Reissue, IsDone: true }) && await Draws.PassAsync(TimeSpan.FromSeconds(0.5), cancellationToken));
    }

    /// <summary>One of those that are missing, of more the oldest; the others stay so.</summary>
    private async Task ReissueAsync(int partition, int act, CancellationToken cancellationToken)
    {
        if (await RunAsync(["ledger", "show", "--partition", $"{partition}"], cancellationToken) is { ExitCode: 0 } shown && MissingLine().Match(shown.Output) is { Success: true } missing)
        {
            await GiveAsync(Order.Reissue, partition, ulong.Parse(missing.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture), act, cancellationToken);
        }
    }

    private async Task GiveAsync(string verb, int partition, ulong sequence, int act, CancellationToken cancellationToken)
    {
        var order = new Order(verb, partition, sequence, string.Create(CultureInfo.InvariantCulture, $"clerk-{act}"));
        Orders.Enqueue(order);
        while (order.IsDone is null && (act == 0 || order.Tries < MostTries) && await Draws.PassAsync(order.Tries == 0 ? TimeSpan.Zero : random.Between(0.1, 1), cancellationToken))
        {
            order.Tries++;
            var told = await RunAsync(order.Arguments, cancellationToken);
            order.IsDone = told switch
            {
                { ExitCode: 0 } => true,
                { Output: var output } when output.Contains("Nothing was done:", StringComparison.Ordinal) => false,
                _ => null,
            };
        }
    }

    /// <summary>Null when it did not end.</summary>
    private async Task<Command?> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            return await OperatorCommand.RunAsync("Kgents.Metering", system.CommandEnvironment, arguments, patience.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    [GeneratedRegex("^  ([0-9]+) is missing since", RegexOptions.Multiline)]
    private static partial Regex MissingLine();
}
