using System.Globalization;
using System.Runtime.InteropServices;
using Kgents.Testing;

// For people without OpenMeter: the stand-in of the tests as a program. It says where it is on its first line, what it is, and what it was given, until it is told to stop.
await using var standIn = await OpenMeterStandIn.StartAsync(CancellationToken.None);
await Console.Out.WriteLineAsync(standIn.ConnectionString);
await Console.Error.WriteLineAsync($"This is a stand-in for OpenMeter at {standIn.Endpoint}, and not OpenMeter: it takes usage events and shows them at /api/v2/events, keeps them in memory, and forgets them when it ends. It draws up no bill.");

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), TimeProvider.System);
var told = 0;
try
{
    while (await timer.WaitForNextTickAsync(stop.Token))
    {
        if (standIn.AcceptedEvents.Count is var count && count > told)
        {
            told = count;
            await Console.Error.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"stand-in for OpenMeter: {count} events; {standIn.Sum("total_tokens", eventType: "kgents.llm.usage.v1")} tokens, {standIn.Sum("turns", eventType: "kgents.turn.usage.v1")} turns, {standIn.Sum("requests", eventType: "kgents.api.request.v1")} requests"));
        }
    }
}
catch (OperationCanceledException)
{
    // Told to stop.
}

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
