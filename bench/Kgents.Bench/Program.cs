using System.Runtime.InteropServices;
using Kgents.Bench;
using Kgents.Bench.Floors;

if (args is ["serve", var server, .. var rest])
{
    await ChildServers.RunAsync(server, rest);
    return 0;
}

if (!BenchArguments.TryParse(args, Console.Error, out var arguments))
{
    return 2;
}

if (arguments.Help)
{
    Console.Out.Write(BenchArguments.Usage);
    return 0;
}

// Either signal ends the run the orderly way, which ends every process that it has started.
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
return await BenchRun.RunAsync(arguments, stop.Token);

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
