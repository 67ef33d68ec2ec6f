using Kgents.Operations;
using Kgents.ServiceDefaults;

var builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.AddServiceDefaults("kgents-operator");

using var host = builder.Build();
return await OperatorCommands.RunAsync(args, host, Console.Out, CancellationToken.None);
