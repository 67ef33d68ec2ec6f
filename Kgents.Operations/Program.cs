using Kgents.Operations;
using Kgents.ServiceDefaults;

var builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);

// What a command cannot do it says itself, in one line.
builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
builder.AddServiceDefaults("kgents-operator");

using var host = builder.Build();
return await OperatorCommands.RunAsync(args, host, Console.Out, CancellationToken.None);
